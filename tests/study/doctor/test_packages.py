from __future__ import annotations

from importlib import metadata

from tunekit.study.doctor.packages import judge, packages, python


def test_what_is_installed_here_is_right() -> None:
    assert python().status == "ok"
    found = packages()
    assert found.status == "ok"
    assert f"keras {metadata.version('keras')}" in found.found


def test_what_is_too_old_or_missing_is_named_with_the_command() -> None:
    found = judge(["click>=99", "no-such-package>=1.2", "numpy>=2"])
    assert found.status == "wrong"
    assert f"expected click>=99, got {metadata.version('click')}" in found.found
    assert "expected no-such-package>=1.2, which is not installed" in found.found
    assert "numpy" not in found.found
    assert found.remedy.endswith("-m pip install --upgrade 'click>=99' 'no-such-package>=1.2'")


def test_an_extras_package_may_be_missing_but_not_old() -> None:
    assert judge(['no-such-package>=1; extra == "gpu"']).status == "ok"
    assert judge(['click>=99; extra == "gpu"']).status == "wrong"
