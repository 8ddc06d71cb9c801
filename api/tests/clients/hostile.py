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


class OfTheMarket(graphql.Visitor):
    """Takes out which market is meant, so that it is the one that there is."""

    def enter_argument(self, node: graphql.ArgumentNode, *_: Any) -> Any:
        return graphql.REMOVE if node.name.value in ("market", "name") else None


@schemathesis.hook
def map_body(_: Any, body: graphql.DocumentNode) -> graphql.DocumentNode:
    """Every second operation gets as far as the market."""
    return graphql.visit(body, OfTheMarket()) if len(graphql.print_ast(body)) % 2 else body
