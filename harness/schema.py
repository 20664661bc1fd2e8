"""JSON Schemas, generated from the records: what editors complete and check, what other languages read."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from harness import matrix, plugins, profiles, protocol, record, selection, suite
from harness.language import kinds, nodes, sources
from harness.language.records import Spec, Step
from harness.mutation import equivalent
from harness.mutation import record as mutation
from harness.tables.rows import Table

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def spec() -> dict[str, Any]:
    """Of a spec file, its one-step shorthand included."""
    out = msgspec.json.schema(Spec)
    definitions = out["$defs"]
    warning = {"enum": sorted(kinds.warnings())}
    for due_record in ("Step", "Outcome"):
        due = definitions[due_record]["properties"]
        due["raises"] = {"enum": sorted(kinds.errors()), "description": due["raises"]["description"]}
        for name in ("warns", "allows"):
            kinds_given = {"anyOf": [warning, {"type": "array", "items": warning}]}
            due[name] = kinds_given | {"description": due[name]["description"]}
    properties = definitions["Spec"]["properties"]
    _one_or_several(properties, "source")
    definitions["Spec"]["properties"] = properties | {
        name: {"$ref": f"#/$defs/Step/properties/{name}"} for name in (f.name for f in msgspec.structs.fields(Step))
    }
    definitions["Spec"]["required"] = [name for name in definitions["Spec"]["required"] if name != "steps"]
    definitions["Spec"]["oneOf"] = [{"required": ["steps"]}, {"required": ["run"]}]
    return {"$schema": DRAFT, "title": "A spec of the conformance suite for automatic differentiation"} | out


def _one_or_several(properties: dict[str, Any], name: str) -> None:
    """One word may stand without its brackets."""
    several = properties[name]
    alone = {"type": "string"}
    properties[name] = {"anyOf": [alone, several]}
    if "description" in several:
        properties[name]["description"] = several["description"]


def table() -> dict[str, Any]:
    """Of a derivative table."""
    out = msgspec.json.schema(Table)
    for name, fields in {"Row": ("source", "outputs"), "Point": ("source", "dtypes")}.items():
        for field in fields:
            _one_or_several(out["$defs"][name]["properties"], field)
    return {"$schema": DRAFT, "title": "A derivative table of the conformance suite"} | out


def engine() -> dict[str, Any]:
    """Of an engine.yaml."""
    out = msgspec.json.schema(plugins.EngineFile)
    _one_or_several(out["$defs"]["Deviation"]["properties"], "cases")
    return {"$schema": DRAFT, "title": "engine.yaml"} | out


def message() -> dict[str, Any]:
    """Of a message of the worker protocol, programs included."""
    out = protocol.schema()
    out["$defs"] |= nodes.definitions()
    steps = out["$defs"]["ProgramOrder"]["properties"]["steps"]
    steps["items"] = {"$ref": "#/$defs/Step"}
    steps["description"] = "the program; see the schema `program`"
    return out


def _listed(title: str, of: Any) -> dict[str, Any]:
    return {"$schema": DRAFT, "title": title} | msgspec.json.schema(of)


def all_schemas() -> dict[str, dict[str, Any]]:
    """Name -> schema."""
    return {
        "spec": spec(),
        "table": table(),
        "engine": engine(),
        "area": {"$schema": DRAFT, "title": "_area.yaml"} | msgspec.json.schema(selection.Area),
        "documents": _listed("_documents.yaml", list[sources.Document]),
        "profiles": _listed("_profiles.yaml", dict[str, profiles.Profile]),
        "record": record.schema(),
        "matrix": matrix.schema(),
        "protocol": message(),
        "program": nodes.schema(),
        "export": suite.schema(),
        "mutation": mutation.schema(),
        "equivalent": _listed("equivalent.yaml", list[equivalent.Equivalent]),
    }


def text(schema: dict[str, Any]) -> str:
    """As it is committed under ``harness/schemas``."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
