from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tunekit.data.digits import Digits
from tunekit.data.glance import Glance, glance_digits, glance_npz
from tunekit.data.npz import Npz
from tunekit.errors import DataError


def arrays(count: int, *shape: int) -> dict[str, np.ndarray]:
    return {"x": np.zeros((count, *shape), np.uint8), "y": np.arange(count) % 3}


def test_digits_are_what_they_are_said_to_be() -> None:
    images = Digits().train()
    assert glance_digits("") == Glance(len(images.y), images.x.shape[1:], 10)


@pytest.mark.parametrize(("shape", "seen"), [((6, 7), (6, 7, 1)), ((6, 7, 3), (6, 7, 3))])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path: Path, shape: tuple[int, ...], seen: tuple[int, ...], save: object) -> None:
    path = tmp_path / "a.npz"
    save(path, **arrays(30, *shape))  # type: ignore[operator]
    assert glance_npz(str(path)) == Glance(30, seen, 3)


def test_npz_with_a_test_part(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    whole, part = arrays(30, 4, 4), arrays(6, 4, 4)
    np.savez(path, x_train=whole["x"], y_train=whole["y"], x_test=part["x"], y_test=part["y"])
    assert glance_npz(str(path)) == Glance(30, (4, 4, 1), 3)
    assert Npz(str(path)).train().x.shape == (30, 4, 4, 1)


def test_what_is_no_such_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(DataError, match="no such file"):
        glance_npz(str(path))
    path.write_bytes(b"PK\3\4 no archive")
    with pytest.raises(DataError, match="cannot be read"):
        glance_npz(str(path))
    np.savez(path, pictures=np.zeros(3))
    with pytest.raises(DataError, match="got pictures"):
        glance_npz(str(path))
    np.savez(path, x=np.zeros((3, 4)), y=np.arange(3))
    with pytest.raises(DataError, match=r"shape \(3, 4\)"):
        glance_npz(str(path))
    np.savez(path, x=np.zeros((3, 4, 4)), y=np.array([{}, {}, {}]))
    with pytest.raises(DataError, match="cannot be read"):
        glance_npz(str(path))
