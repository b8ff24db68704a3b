"""The form that KubeRay asks of its resources, and Kubernetes of what is in them, as far as deploy/ uses it.

Written down from KubeRay's custom resource definitions (version 1.7, `ray.io/v1`) and from Kubernetes' reference. A
name with `!` has to be there.
"""

from __future__ import annotations

import re
from typing import Any

Form = dict[str, Any]
"""For each field its form: a type, a form of its own, a list of one, or a pattern that its text has to match."""

NAME = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
QUANTITY = r"[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|Ti)?"
AMOUNTS: Form = {"cpu": QUANTITY, "memory": QUANTITY, "nvidia.com/gpu": QUANTITY, "storage": QUANTITY}
CONTAINER: Form = {
    "name!": NAME,
    "image!": r"[\w./-]+:[\w.-]+",
    "env": [{"name!": r"[A-Z_][A-Z0-9_]*", "value!": str}],
    "ports": [{"name": r"[a-z0-9-]{1,15}", "containerPort!": int}],
    "resources!": {"requests!": AMOUNTS, "limits!": AMOUNTS},
    "volumeMounts": [{"name!": NAME, "mountPath!": r"/[\w/-]+"}],
}
TEMPLATE: Form = {
    "metadata": {"labels": dict, "annotations": dict},
    "spec!": {
        "containers!": [CONTAINER],
        "securityContext": {"runAsNonRoot": bool, "runAsUser": int, "fsGroup": int},
        "terminationGracePeriodSeconds": int,
        "volumes": [{"name!": NAME, "persistentVolumeClaim": {"claimName!": NAME}}],
    },
}
HEAD: Form = {"rayStartParams": dict, "serviceType": str, "template!": TEMPLATE}
WORKERS: Form = {
    "groupName!": NAME,
    "replicas": int,
    "minReplicas!": int,
    "maxReplicas!": int,
    "numOfHosts": int,
    "rayStartParams": dict,
    "template!": TEMPLATE,
}
CLUSTER: Form = {
    "rayVersion": r"\d+\.\d+\.\d+",
    "enableInTreeAutoscaling": bool,
    "autoscalerOptions": dict,
    "headGroupSpec!": HEAD,
    "workerGroupSpecs": [WORKERS],
}
JOB: Form = {
    "entrypoint": str,
    "submissionMode": "K8sJobMode|HTTPMode|InteractiveMode|SidecarMode",
    "backoffLimit": int,
    "activeDeadlineSeconds": int,
    "shutdownAfterJobFinishes": bool,
    "ttlSecondsAfterFinished": int,
    "runtimeEnvYAML": str,
    "rayClusterSpec": CLUSTER,
}
CLAIM: Form = {
    "accessModes!": ["ReadWriteMany"],
    "storageClassName": str,
    "resources!": {"requests!": AMOUNTS},
}
KINDS: dict[tuple[str, str], Form] = {
    ("ray.io/v1", "RayJob"): JOB,
    ("ray.io/v1", "RayCluster"): CLUSTER,
    ("v1", "PersistentVolumeClaim"): CLAIM,
}


def problems(resource: dict[str, Any]) -> list[str]:
    """What is wrong with a resource, each with its place."""
    form = KINDS.get((resource.get("apiVersion", ""), resource.get("kind", "")))
    if form is None:
        return [f"unknown kind {resource.get('apiVersion')} {resource.get('kind')}"]
    whole = {"apiVersion!": str, "kind!": str, "metadata!": {"name!": NAME, "labels": dict}, "spec!": form}
    return list(_wrong(resource, whole, resource["kind"]))


def _wrong(value: Any, form: Any, place: str) -> list[str]:
    if isinstance(form, dict):
        return _wrong_fields(value, form, place)
    if isinstance(form, list):
        if not isinstance(value, list):
            return [f"{place}: expected a list, got {value!r}"]
        return [
            text for index, each in enumerate(value) for text in _wrong(each, form[0], f"{place}[{index}]")
        ]
    if isinstance(form, str):
        right = isinstance(value, str) and re.fullmatch(form, value) is not None
        return [] if right else [f"{place}: expected a text like {form}, got {value!r}"]
    # A bool is an int for Python, and none for Kubernetes.
    return [] if type(value) is form else [f"{place}: expected {form.__name__}, got {value!r}"]


def _wrong_fields(value: Any, form: Form, place: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{place}: expected fields, got {value!r}"]
    known = {name.rstrip("!"): inner for name, inner in form.items()}
    lacking = [name[:-1] for name in form if name.endswith("!") and name[:-1] not in value]
    found = [f"{place}.{name}: is missing" for name in lacking]
    for name, inner in value.items():
        if name not in known:
            found.append(f"{place}.{name}: there is no such field")
        else:
            found += _wrong(inner, known[name], f"{place}.{name}")
    return found
