"""Python and the packages that tunekit declares, against the versions it declares them with."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

from tunekit.study.doctor.finding import Finding, attention, ok, wrong

DISTRIBUTION = "tunekit"


def python() -> Finding:
    from packaging.specifiers import SpecifierSet

    here = f"{platform.python_version()}, {sys.executable}"
    try:
        wanted = metadata.metadata(DISTRIBUTION)["Requires-Python"]
    except metadata.PackageNotFoundError:
        return ok("Python", here)
    if wanted and not SpecifierSet(wanted).contains(platform.python_version(), prereleases=True):
        return wrong("Python", f"{here}; expected {wanted}", f"Install tunekit with a Python {wanted}.")
    return ok("Python", here)


def packages() -> Finding:
    """Every package that the installed tunekit declares."""
    try:
        declared = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return attention(
            "packages",
            "tunekit is not installed here, so its packages' versions are not known to be right",
            "Install it: pip install .",
        )
    return judge(declared)


def judge(declared: list[str]) -> Finding:
    """The requirements against what is installed; those of an extra count only where they are installed."""
    from packaging.requirements import Requirement

    good, bad = {}, {}
    for requirement in map(Requirement, declared):
        needed = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        version = _installed(requirement.name)
        if version is None:
            if needed:
                bad[requirement.name] = (str(requirement.specifier), "which is not installed")
        elif not requirement.specifier.contains(version, prereleases=True):
            bad[requirement.name] = (str(requirement.specifier), f"got {version}")
        else:
            good[requirement.name] = version
    if bad:
        found = "; ".join(f"expected {name}{bound}, {got}" for name, (bound, got) in bad.items())
        wanted = " ".join(f"'{name}{bound}'" for name, (bound, _) in bad.items())
        return wrong("packages", found, f"Run: {sys.executable} -m pip install --upgrade {wanted}")
    listed = ", ".join(f"{name} {version}" for name, version in sorted(good.items()))
    return ok("packages", f"{len(good)} as tunekit needs them: {listed}")


def _installed(name: str) -> str | None:
    try:
        # A distribution whose metadata is damaged has no version.
        return metadata.version(name) or None
    except (metadata.PackageNotFoundError, KeyError, TypeError):
        return None
