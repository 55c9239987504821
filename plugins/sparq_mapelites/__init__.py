"""Selection of parents and the MAP-Elites archive (SPARQ, section 2; the variants of its section 3 and appendix D)."""

from sparq_mapelites.archive import Archive
from sparq_mapelites.selectors import (
    DynamicConfig,
    DynamicUniform,
    DynamicUniformConfig,
    MapElites,
    MapElitesConfig,
    StaticConfig,
    StaticDiverse,
    StaticUniform,
    Unsolved,
    UnsolvedConfig,
)

__all__ = [
    "Archive",
    "DynamicConfig",
    "DynamicUniform",
    "DynamicUniformConfig",
    "MapElites",
    "MapElitesConfig",
    "StaticConfig",
    "StaticDiverse",
    "StaticUniform",
    "Unsolved",
    "UnsolvedConfig",
]
