"""The registry: what it finds, what it refuses, and how it says so."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from marketplaces import registry
from marketplaces.simulator.dialects import platforms
from seatsync.core.errors import InvalidInput


def test_every_adapter_is_found_under_its_own_key() -> None:
    assert {"seatgeek", "stubhub"} <= set(registry.adapter_keys())
    assert [adapter.traits.key for adapter in registry.adapter_list()] == registry.adapter_keys()
    assert registry.adapter_get("stubhub").traits.name == "StubHub"


def test_an_unknown_key_names_the_known_ones() -> None:
    with pytest.raises(InvalidInput) as caught:
        registry.adapter_get("nowhere")
    (problem,) = caught.value.problems
    assert problem.field == "platform"
    assert problem.remedy == f"Use one of: {', '.join(registry.adapter_keys())}."


def test_the_simulator_speaks_for_every_adapter() -> None:
    assert set(registry.adapter_keys()) <= set(platforms())


def test_adapters_declare_what_they_do() -> None:
    for adapter in registry.adapter_list():
        traits = adapter.traits
        assert traits.auth in {"oauth2", "token"}
        assert traits.contract in {"official", "reconstructed", "unverified"}
        # Who publishes no interface to sell by has no address of one either.
        unverified = traits.contract == "unverified"
        assert adapter.live_base_url == "" if unverified else adapter.live_base_url.startswith("https://")
        assert traits.default_per_second > 0


def _package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **modules: str) -> ModuleType:
    name = f"fake_{tmp_path.name.replace('-', '_')}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    for module, key in modules.items():
        (folder / f"{module}.py").write_text(
            f"from types import SimpleNamespace as N\nADAPTER = N(traits=N(key={key!r}))\n"
        )
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__(name)
    return sys.modules[name]


def test_a_key_that_is_not_the_file_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="alpha calls itself beta"):
        registry._collect(_package(tmp_path, monkeypatch, alpha="beta"))


def test_a_key_taken_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="takes the key alpha"):
        registry._collect(_package(tmp_path, monkeypatch, alpha="alpha", beta="alpha"))


def test_shared_modules_are_no_adapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = registry._collect(_package(tmp_path, monkeypatch, alpha="alpha", _wire="x"))
    assert list(found) == ["alpha"]
