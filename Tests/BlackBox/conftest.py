"""Fixtures of the black-box tests. They drive the debug executable over its real ports."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Iterator

import pytest

from harness import functions
from harness.backend import Backend
from harness.management import ApigSdk, Call, Sdk
from harness.process import ROOMY, Gatehouse, executable
from harness.world import Api, World


def pytest_report_header() -> str:
    return f"program under test: {executable()}"


@pytest.fixture(scope="session")
def gatehouse(tmp_path_factory, shared_functions) -> Iterator[Gatehouse]:
    """One program for all tests that do not restart it. At the end it must stop cleanly, and its log
    must hold no secret."""
    program = Gatehouse(tmp_path_factory.mktemp("gatehouse") / "data", settings={
        **ROOMY, "functions": functions.settings(shared_functions.address)}).start()
    yield program
    assert program.running, f"the program ended during the tests:\n{program.log[-4000:]}"
    status = program.stop()
    assert status == 0, f"SIGTERM ended it with {status}:\n{program.log[-4000:]}"
    for name in ("password", "secret_key"):
        assert program.credentials[name] not in program.log, f"{name} is in the log"


@pytest.fixture(scope="session")
def h2c_gatehouse(tmp_path_factory) -> Iterator[Gatehouse]:
    """One program whose plain listener takes HTTP/2, for the tests of frames and streams."""
    program = Gatehouse(tmp_path_factory.mktemp("h2c") / "data", "--gateway-h2c", settings=ROOMY).start()
    yield program
    assert program.running, f"the program ended during the tests:\n{program.log[-4000:]}"
    assert program.stop() == 0


@pytest.fixture(scope="session")
def h2c_api(h2c_gatehouse, shared_backend) -> Api:
    """An API there that takes every path to the scripted backend."""
    world = World(h2c_gatehouse, Call(h2c_gatehouse.credentials, h2c_gatehouse.management), shared_backend)
    return world.make_api("/", match_mode="SWA")


@pytest.fixture
def fresh_gatehouse(tmp_path) -> Iterator[Callable[..., Gatehouse]]:
    """Makes programs of a test's own: `fresh_gatehouse()` or, to start again on its data,
    `fresh_gatehouse(data_dir=...)`. Further arguments go to the command line."""
    made: list[Gatehouse] = []

    def make(*arguments: str, data_dir: Path | None = None, start: bool = True, **options) -> Gatehouse:
        program = Gatehouse(data_dir or tmp_path / f"data{len(made)}", *arguments, **options)
        made.append(program)
        return program.start() if start else program

    yield make
    for program in made:
        program.kill()


@pytest.fixture(scope="session")
def shared_functions() -> Iterator[Backend]:
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture
def function_service(shared_functions) -> Iterator[Backend]:
    """Where the functions of the settings are, with nothing remembered and the default script."""
    shared_functions.clear()
    yield shared_functions
    shared_functions.clear()


@pytest.fixture(scope="session")
def shared_backend() -> Iterator[Backend]:
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture
def backend(shared_backend) -> Iterator[Backend]:
    """The scripted backend, with nothing remembered and the default script."""
    shared_backend.clear()
    yield shared_backend
    shared_backend.clear()


@pytest.fixture
def second_backend() -> Iterator[Backend]:
    """Another one, of its own."""
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture(scope="session")
def call(gatehouse) -> Call:
    return Call(gatehouse.credentials, gatehouse.management)


@pytest.fixture(scope="session")
def session_sdk(gatehouse) -> Sdk:
    return Sdk(gatehouse.credentials, gatehouse.endpoint)


@pytest.fixture
def sdk(session_sdk) -> Iterator[Sdk]:
    """The official SDK's client; the test fails when any of its answers broke the contract."""
    session_sdk.violations.clear()
    yield session_sdk
    assert session_sdk.violations == []


@pytest.fixture(scope="session")
def session_apig(gatehouse) -> ApigSdk:
    return ApigSdk(gatehouse.credentials, gatehouse.endpoint)


@pytest.fixture
def apig(session_apig) -> Iterator[ApigSdk]:
    """The SDK of the twin product, under `/apigw/`."""
    session_apig.violations.clear()
    yield session_apig
    assert session_apig.violations == []


@pytest.fixture
def world(gatehouse, call, backend) -> World:
    return World(gatehouse, call, backend)


@pytest.fixture
def make_world(backend) -> Callable[[Gatehouse], World]:
    """A `World` on another program than the shared one."""
    return lambda program: World(program, Call(program.credentials, program.management), backend)
