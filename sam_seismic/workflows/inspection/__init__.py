"""`inspect`: a volume, a configuration or a checkpoint comes in; facts that tell whether it was understood go out."""

from sam_seismic.workflows.inspection.found import Inspection, InspectRequest
from sam_seismic.workflows.inspection.inspecting import inspect

__all__ = ["InspectRequest", "Inspection", "inspect"]
