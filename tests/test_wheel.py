"""The built wheel, installed in an empty environment, answers as the checkout does."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
VIGNETTES = ROOT / "examples" / "vignettes.json"


def run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    finished = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_an_installed_wheel_decides_the_examples_as_the_checkout_does(tmp_path: Path) -> None:
    source = tmp_path / "source"
    tracked = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in tracked.splitlines():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", tmp_path, cwd=source)
    (wheel,) = tmp_path.glob("*.whl")

    environment = tmp_path / "environment"
    venv.create(environment)
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    install = (*pip, "install", "--quiet", "--no-compile")
    run(*install, "--require-hashes", "-r", ROOT / "requirements.txt", cwd=tmp_path)
    run(*install, "--no-deps", wheel, cwd=tmp_path)
    command = environment / "bin" / "policygrounds"

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    installed = run(command, "determine", VIGNETTES, "--json", cwd=elsewhere)
    checkout = run(
        sys.executable, "-m", "policygrounds", "determine", VIGNETTES, "--json", cwd=ROOT
    )
    assert installed == checkout
    for line, case in zip(installed.splitlines(), json.loads(VIGNETTES.read_text()), strict=True):
        assert json.loads(line)["outcome"] == case["expected"]["outcome"]
    new_policy = ROOT / "examples" / "new_policy"
    own = run(command, "policies", "--kb", new_policy, "--json", cwd=elsewhere)
    assert json.loads(own)["policy"] == "EX-101"
    asked = ("query", "--name", "drug_codes", "--set", "drug=ixazomib", "--check", "--json")
    assert run(command, *asked, cwd=elsewhere) == run(
        sys.executable, "-m", "policygrounds", *asked, cwd=ROOT
    )
    typed = "from policygrounds import Case, KnowledgeBase\nKnowledgeBase.load()\n"
    run(python, "-c", typed, cwd=elsewhere)
