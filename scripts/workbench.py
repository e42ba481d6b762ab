"""What the scripts share: building, virtual environments, a running sandbox. Standard library only."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()


def say(text: str) -> None:
    """Print a step of the work, at once, so that progress is visible in a pipe too."""
    print(f"\033[1m==> {text}\033[0m" if sys.stdout.isatty() else f"==> {text}", flush=True)


def fail(text: str, hint: str) -> NoReturn:
    """End with a message that says what to do."""
    sys.exit(f"error: {text}\n  hint: {hint}")


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command from the project's root; a failure ends the script with the command's own words."""
    try:
        return subprocess.run([str(part) for part in command], cwd=options.pop("cwd", ROOT), check=True, text=True, **options)
    except FileNotFoundError:
        fail(f"`{command[0]}` is not installed", "install it and run the same command again")
    except subprocess.CalledProcessError as error:
        for output in (error.stdout, error.stderr):
            if output:
                print(output, file=sys.stderr)
        sys.exit(error.returncode)


def build(*packages: str, profile: str = "dev") -> Path:
    """Build packages of the workspace and return the folder that holds the results."""
    arguments = [part for package in packages for part in ("--package", package)]
    run("cargo", "build", "--locked", "--profile", profile, *arguments)
    return TARGET / ("debug" if profile == "dev" else profile)


def have_apt(*packages: str) -> bool:
    """Install Debian packages where that is possible without asking; say whether they are there."""
    missing = [name for name in packages if subprocess.run(["dpkg", "-s", name], capture_output=True).returncode != 0] \
        if shutil.which("dpkg") else list(packages)
    if not missing:
        return True
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return False
    say(f"installing {', '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *missing]):
        if subprocess.run(command, env=environment, stdout=subprocess.DEVNULL).returncode != 0:
            return False
    return True


def venv(name: str, *requirements: str, package: bool = False, profile: str = "dev") -> Path:
    """Make or reuse a virtual environment and return its Python.

    With ``package`` the environment also holds Oktant's own package, built with the given cargo profile.
    """
    home = TARGET / "venvs" / name
    python = home / "bin" / "python"
    if not python.exists():
        if subprocess.run([sys.executable, "-m", "venv", home]).returncode != 0:
            shutil.rmtree(home, ignore_errors=True)
            if not have_apt("python3-venv"):
                fail("python3 cannot make virtual environments", "install the venv module (Debian: apt-get install python3-venv)")
            run(sys.executable, "-m", "venv", home)
    _install(python, home / "requirements.stamp", " ".join(requirements), *requirements)
    if package:
        built = wheel(profile)
        _install(python, home / "package.stamp", _digest(built), "--force-reinstall", "--no-deps", str(built))
    return python


def wheel(profile: str = "dev") -> Path:
    """Build the wheel of Oktant's Python package, again only when a source has changed.

    All environments install this one: cargo compiles the bindings anew for each interpreter path it is told.
    """
    folder = TARGET / "wheels" / profile
    stamp = folder / "sources.stamp"
    fingerprint = _digest(*_sources())
    found = sorted(folder.glob("oktant-*.whl"))
    if found and stamp.exists() and stamp.read_text() == fingerprint:
        return found[0]
    for old in found:
        old.unlink()
    environment = {**os.environ, "MATURIN_PEP517_ARGS": f"--profile {profile}", "CARGO_TARGET_DIR": str(TARGET)}
    flags = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--wheel-dir", folder]
    run(venv("build"), "-m", "pip", "wheel", *flags, ROOT / "python", env=environment)
    stamp.write_text(fingerprint)
    return next(folder.glob("oktant-*.whl"))


def _install(python: Path, stamp: Path, content: str, *arguments: str) -> None:
    if not arguments or (stamp.exists() and stamp.read_text() == content):
        return
    flags = ["--quiet", "--disable-pip-version-check", "--no-input"]
    run(python, "-m", "pip", "install", *flags, *arguments)
    stamp.write_text(content)


def _sources() -> list[Path]:
    """Everything that the Python package is made of."""
    suffixes = {".rs", ".toml", ".lock", ".py", ".pyi", ".md"}
    folders = [ROOT / "crates", ROOT / "python" / "native", ROOT / "python" / "src"]
    inside = [path for folder in folders for path in folder.rglob("*") if path.suffix in suffixes]
    return sorted(inside) + [ROOT / "Cargo.toml", ROOT / "Cargo.lock", ROOT / "python" / "pyproject.toml"]


def _digest(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@contextlib.contextmanager
def sandbox(program: Path, *options: str) -> Iterator[dict[str, Any]]:
    """Run ``oktant sandbox`` on a free port; give what it prints when ready, end it afterwards."""
    process = subprocess.Popen([program, "sandbox", "--port", "0", *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            fail("the sandbox did not start", "its own message stands above")
        yield json.loads(line)
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        if process.poll() is None:
            process.kill()


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    """Say how long a step took."""
    start = time.monotonic()
    yield
    print(f"    {what}: {time.monotonic() - start:.1f} s", flush=True)
