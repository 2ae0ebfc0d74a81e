"""Rows of the machine itself: how fast it multiplies matrices, which is most of what the network asks of it."""

from collections.abc import Iterator

from .measure import Settings, matrix_product, timed
from .rows import Row


def measure(settings: Settings) -> Iterator[Row]:
    """A row for each precision."""
    products = {precision: matrix_product(settings, precision) for precision in settings.precisions}
    for product, _ in products.values():
        product()
    seconds = timed({precision: product for precision, (product, _) in products.items()}, settings)
    for precision, (_, flop) in products.items():
        yield Row(
            group="machine",
            what=f"{settings.matrix} x {settings.matrix}, {precision}",
            seconds=seconds[precision],
            rate=flop / seconds[precision] / 1e9,
        )
