# SPDX-License-Identifier: GPL-2.0-or-later
"""What --json prints against doc/schema: every member is described, and every described one is there."""

import functools
import json
import os
import warnings

warnings.simplefilter("ignore", DeprecationWarning)  # newer releases have another way to refer
import jsonschema  # noqa: E402

SCHEMAS = os.path.abspath(os.path.dirname(__file__) + "/../../doc/schema")


def no_twins(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError("written twice: " + ", ".join(n for n in members if names.count(n) > 1))
    return members


def load(name):
    with open(f"{SCHEMAS}/{name}", encoding="utf-8") as f:
        return json.load(f, object_pairs_hook=no_twins)


@functools.cache
def _validator(name):
    schema = load(name)
    resolver = jsonschema.RefResolver(f"file://{SCHEMAS}/{name}", schema)
    return jsonschema.Draft202012Validator(schema, resolver=resolver)


def check_schema(name):
    """ValueError when it is none."""
    try:
        jsonschema.Draft202012Validator.check_schema(load(name))
    except jsonschema.exceptions.SchemaError as error:
        raise ValueError(str(error)) from error


def complaint(text):
    """What is wrong with @text, which is one document, or None; and the name of its schema."""
    try:
        output = json.loads(text, object_pairs_hook=no_twins)
    except ValueError as error:
        return str(error), None
    if not isinstance(output, dict):
        return "it is no object", None
    name = str(output.get("schema", "")).removeprefix("pciroom.").replace("/", "-") + ".json"
    if not os.path.exists(f"{SCHEMAS}/{name}"):
        return f"doc/schema has no {name}", None
    error = jsonschema.exceptions.best_match(_validator(name).iter_errors(output))
    if error is None:
        return None, name
    return f'{name}: {"/".join(map(str, error.absolute_path))}: {error.message[:300]}', name
