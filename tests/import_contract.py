"""The contract of import-linter for the half of the package that works without VISSL."""

from __future__ import annotations

from grimp import ImportGraph
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.domain import fields
from importlinter.domain.contract import ContractCheck
from importlinter.domain.imports import ModuleExpression

TIED = "_vissl"  # modules of this ending connect the rooms to VISSL


class WithoutVisslContract(ForbiddenContract):
    """Modules of `rooms` reach neither `forbidden_modules` nor a `*_vissl` module, directly or through others.

    The `*_vissl` modules themselves may import anything.
    """

    type_name = "without_vissl"

    rooms = fields.ListField(subfield=fields.StringField())
    source_modules = fields.SetField(subfield=fields.ModuleExpressionField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Check the modules one by one, after cutting what the `*_vissl` modules import."""
        modules = {module for room in self.rooms for module in {room, *graph.find_descendants(room)}}
        tied = {module for module in modules if module.endswith(TIED)}
        for module in tied:
            for imported in graph.find_modules_directly_imported_by(module):
                graph.remove_import(importer=module, imported=imported)
        self.source_modules = {ModuleExpression(module) for module in modules - tied}
        self.forbidden_modules |= {ModuleExpression(module) for module in tied}
        self.as_packages = False
        return super().check(graph, verbose)
