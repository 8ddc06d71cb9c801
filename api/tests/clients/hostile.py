"""What schemathesis is told of this schema: values for its own scalars, good ones and some that are none."""

from typing import Any

import graphql
import schemathesis
from hypothesis import strategies as st
from hypothesis_graphql import nodes

numbers = st.integers(min_value=-1, max_value=2**64)
times = st.datetimes().map(lambda time: time.isoformat() + "Z") | st.text()

schemathesis.graphql.scalar("Key", (st.uuids().map(str) | st.text()).map(nodes.String))
schemathesis.graphql.scalar("Minor", numbers.map(nodes.Int))
schemathesis.graphql.scalar("Offset", numbers.map(nodes.Int) | numbers.map(str).map(nodes.String))
schemathesis.graphql.scalar("Time", times.map(nodes.String))


@schemathesis.hook
def map_body(_: Any, body: graphql.DocumentNode) -> graphql.DocumentNode:
    """Every second one is for the market that there is, so that it goes on from there."""
    (operation,) = body.definitions
    assert isinstance(operation, graphql.OperationDefinitionNode)
    for field in operation.selection_set.selections:
        assert isinstance(field, graphql.FieldNode)
        named = [argument for argument in field.arguments if argument.name.value in ("market", "name")]
        if len(graphql.print_ast(field)) % 2:
            field.arguments = tuple(argument for argument in field.arguments if argument not in named)
    return body
