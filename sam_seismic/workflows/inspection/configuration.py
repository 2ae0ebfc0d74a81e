"""A configuration comes in; what it would read, how it splits and how long it trains go out."""

from sam_seismic.config import Config
from sam_seismic.survey.parts import open_survey
from sam_seismic.workflows.inspection.found import Facts, Inspection


def inspect_config(config: Config) -> Inspection:
    """What an experiment would read, and how it splits."""
    survey = open_survey(config.data)
    parts = {name: str(part).partition(": ")[2] for name, part in survey.parts.items()}
    model, train = config.model, config.train
    steps = -(-len(survey.parts["train"].sections) // train.batch_size) * train.epochs
    canvas = f"{config.input.side} x {config.input.side}, fit: {config.input.fit}"
    experiment = {
        "model": f"{model.size}, encoder {model.encoder}, decoder {model.decoder}",
        "canvas": canvas,
        "classes": ", ".join(survey.facies.names),
        "steps": f"{steps:,} ({train.epochs} epochs, batch {train.batch_size})",
    }
    facts = {"parts": parts, "classes": list(survey.facies.names), "steps": steps, "warnings": list(survey.notes)}
    blocks = [Facts("Split", list(parts.items())), Facts("Experiment", list(experiment.items()))]
    return Inspection(facts, blocks, survey.notes)
