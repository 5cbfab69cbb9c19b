"""How many orders meet which storm. Pure."""

LARGEST = 250  # orders of a storm: in one alone, a single outage would decide the table


def split(*, seed: int, orders: int) -> list[tuple[int, int]]:
    """The seed of each storm, and its orders. A storm by itself has the seed that was asked for."""
    count = -(-orders // LARGEST)
    if count <= 1:
        return [(seed, orders)]
    sizes = [orders // count + (number < orders % count) for number in range(count)]
    return [(1000 * seed + number, size) for number, size in enumerate(sizes)]
