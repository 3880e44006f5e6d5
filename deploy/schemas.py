"""Write Kubernetes' JSON schemas as kubeconform wants them: one file per kind.

Usage: schemas.py VERSION FOLDER, with the package kubernetes-validate installed.
That package keeps shared definitions in one file and points to it with absolute
references; here each kind carries the definitions that it reaches.
"""

import json
import pathlib
import sys

import kubernetes_validate


def references(node):
    """Yield the names of the shared definitions that node points to, made local."""
    if isinstance(node, list):
        for child in node:
            yield from references(child)
    elif isinstance(node, dict):
        target = node.get("$ref")
        if isinstance(target, str):
            name = target.rpartition("/")[2]
            node["$ref"] = "#/$defs/" + name
            yield name
        for child in node.values():
            yield from references(child)


def with_definitions(schema, shared):
    """Return schema with every definition that it reaches."""
    reached, waiting = {}, set(references(schema))
    while waiting:
        name = waiting.pop()
        reached[name] = json.loads(json.dumps(shared[name]))
        waiting |= set(references(reached[name])) - reached.keys()
    return schema | {"$defs": reached}


def main(version, folder):
    package = pathlib.Path(kubernetes_validate.__file__).parent
    source = package / "kubernetes-json-schema" / f"v{version}-local-strict"
    shared = json.loads((source / "_definitions.json").read_text())["$defs"]
    target = pathlib.Path(folder)
    target.mkdir(parents=True)
    for file in source.glob("*.json"):
        schema = json.loads(file.read_text())
        if "kind" in schema.get("properties", {}):
            (target / file.name).write_text(json.dumps(with_definitions(schema, shared)))


if __name__ == "__main__":
    main(*sys.argv[1:])
