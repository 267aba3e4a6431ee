"""Routes of B: files that may be one, what was mapped and fused, what reaches their blocks, and the proof's report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query

from kgkt.serve import models
from kgkt.serve.places import Places

if TYPE_CHECKING:
    from kgkt.serve.held import Held

Name = Annotated[str, Query(min_length=1, max_length=500)]


def router(held: Held) -> APIRouter:
    """The routes, of what is held."""
    routes = APIRouter(prefix="/api/graphs/{graph}")

    def asked(graph: str) -> tuple[Any, Places]:
        recipe = held.graph(graph).recipe
        return recipe, Places(held.folder, Path(recipe.dir))

    @routes.get("/targets")
    def targets(graph: str) -> dict[str, Any]:
        """The Keras files of the working folder, which may be named as B, and the files of arrays for a test set."""
        recipe, places = asked(graph)
        return {"files": models.targets(recipe, places), "data": models.data_files(places)}

    @routes.get("/models")
    def all_models(graph: str) -> dict[str, Any]:
        """The Bs that were mapped or fused: their layers, and what the last fusion of each was worth."""
        return {"models": models.models(*asked(graph))}

    @routes.get("/blocks")
    def blocks(graph: str, model: Name, layer: Name) -> dict[str, Any]:
        """The blocks of a mapped layer, and the concepts that reach each."""
        return {"blocks": models.blocks(held.graph(graph).recipe, model, layer)}

    @routes.get("/report")
    def report(graph: str) -> dict[str, Any]:
        """The proof's last report."""
        return models.report(held.graph(graph).recipe)

    return routes
