"""What is installed works from another folder, and starts quickly."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree without network."""
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("the source tree is not here")
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    return path


def test_the_wheel_puts_one_name_on_the_import_path(wheel: Path) -> None:
    """Nothing but `harness` is importable: an adapter folder called torch does not stand in the way of PyTorch."""
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"harness"}


def test_the_wheel_works_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    """Unpacked anywhere, away from the tree, it finds its specs, engines and reports and passes on the reference."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "elsewhere").mkdir()
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site"), "PYTHONSAFEPATH": "1"}
    code = "import harness, sys; print(harness.__file__); from harness.cli import run; sys.exit(run(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "--engine", "reference", "leaf", "grad", "graph"],
        capture_output=True, text=True, check=False, cwd=tmp_path / "elsewhere", env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(str(tmp_path / "site"))
    assert (tmp_path / "elsewhere" / "harness-results" / "report.html").is_file()


LIGHT = (
    "--help",
    "--version",
    "list",
    "list --json",
    "show leaf/created-with-flag",
    "engines",
    "kinds",
    "words",
    "run --help",
)


@pytest.mark.parametrize("command", LIGHT)
def test_light_commands_import_neither_numpy_nor_torch(command: str, tmp_path: Path) -> None:
    """What only reads specs does not pay for engines."""
    code = (
        "import sys; from harness.cli import run; code = run(sys.argv[1:]);"
        "heavy = {'numpy', 'torch', 'jinja2', 'rich', 'mpmath'} & set(sys.modules); print(); print(sorted(heavy)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command.split()], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_imports_next_to_nothing(tmp_path: Path) -> None:
    """`harness --help` loads the command line and nothing of the language, the engines or YAML."""
    code = (
        "import sys; from harness.cli import run; run(['--help']); print();"
        "print(sorted(m for m in sys.modules if m.startswith('harness')), 'yaml' in sys.modules, 'msgspec' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "['harness', 'harness.cli', 'harness.exits'] False False"


def test_ctrl_c_keeps_what_was_judged(tmp_path: Path) -> None:
    """SIGINT in the middle of a run: exit code 130, one message, a readable record that says it is incomplete."""
    import signal

    from harness.record import read

    engine = tmp_path / "slow"
    engine.mkdir()
    (engine / "engine.yaml").write_text("name: slow\ntitle: Slow\n")
    (engine / "__init__.py").write_text(
        "import time\nfrom harness.engine import Engine as B\n\n\ndef tensor(*a, **k):\n    time.sleep(0.2)\n    return 1.0\n\n\n"
        "class Engine(B):\n    version = '1'\n    names = {'tensor': tensor}\n    def read(self, value):\n        return value\n"
    )
    specs = tmp_path / "specs"
    specs.mkdir()
    for number in range(50):
        (specs / f"s{number}.yaml").write_text(
            f"id: slow/s{number}\nclaim: c\nsource: s\nrun: x = tensor(1.)\nexpect: {{x: 1.}}\n"
        )
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "run", "--engine", engine, specs, "-o", tmp_path / "out"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    path = tmp_path / "out" / "slow.jsonl"
    while not path.is_file() or b'"case"' not in path.read_bytes():
        assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, out + err
    assert "interrupted" in err and "Traceback" not in err
    run = read(path)
    assert not run.complete
    assert 1 <= len(run.cases) < 50
