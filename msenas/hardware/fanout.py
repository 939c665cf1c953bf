"""Fan-out: how many target neurons a spike reaches through one synapse, exact at borders and for strides.

These are the pairs of an output position (o_y, o_x) and a kernel tap (k_y, k_x) with o * stride - padding + k = (y, x)
inside the map, times the target channels. They factorise into rows times columns. Where spikes are pooled in front of
the convolution, (y, x) is the window that a spike falls into; one behind the last whole window reaches nothing.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from msenas.phenotype.plan import Plan, Synapse

IntMap = npt.NDArray[np.int64]
OUTSIDE = np.iinfo(np.int64).max
"""Window of a place that no window covers."""


def fan_out(plan: Plan, synapse: Synapse) -> IntMap:
    """Target neurons that one spike at (y, x) of any channel of the source reaches, int64 [H, W]."""
    return pairs(plan, synapse) * plan.by_name[synapse.target].channels


def fan_out_nonzero(plan: Plan, synapse: Synapse, weight: npt.NDArray[np.float32]) -> IntMap:
    """As `fan_out`, but only through weights that are not zero: int64 [C, H, W] of the source.

    Args:
        plan: the network.
        synapse: one of its synapses.
        weight: [C_out, C_in, k, k].
    """
    taps = (weight != 0).sum(0)
    rows, columns = (readers(*axis).sum(1) for axis in _axes(plan, synapse))
    return np.asarray(np.einsum("cij,iy,jx->cyx", taps, rows, columns), np.int64)


def pairs(plan: Plan, synapse: Synapse) -> IntMap:
    """Pairs of output position and kernel tap that read each place of the source, int64 [H, W]."""
    return _pairs(*_axes(plan, synapse))


def reaching(plan: Plan, synapse: Synapse) -> tuple[IntMap, IntMap]:
    """Whether a source row (column) is read by a target row (column): 0 or 1, [H, H_target] and [W, W_target]."""
    rows, columns = (readers(*axis).sum(0).T for axis in _axes(plan, synapse))
    return rows, columns


Axis = tuple[int, int, int, int, int, int]
"""Source size, target size, kernel, stride, padding, pool along one axis."""


def _axes(plan: Plan, synapse: Synapse) -> tuple[Axis, Axis]:
    _, *source = plan.source_shape(synapse)
    target = plan.by_name[synapse.target]
    kernel = (synapse.kernel, synapse.stride, synapse.padding, synapse.pool)
    return (source[0], target.height, *kernel), (source[1], target.width, *kernel)


@lru_cache(maxsize=256)
def _pairs(vertical: Axis, horizontal: Axis) -> IntMap:
    rows, columns = (readers(*axis).sum((0, 1)) for axis in (vertical, horizontal))
    found: IntMap = np.outer(rows, columns)
    found.flags.writeable = False  # it is shared by all callers through the cache
    return found


@lru_cache(maxsize=256)
def readers(source: int, target: int, kernel: int, stride: int, padding: int, pool: int = 1) -> IntMap:
    """1 where tap k of output position o reads place y of one axis, int64 [kernel, target, source]."""
    read = np.add.outer(np.arange(kernel), np.arange(target) * stride - padding)
    window = np.arange(source) // pool
    window[source // pool * pool :] = OUTSIDE
    found: IntMap = (read[..., None] == window).astype(np.int64)
    found.flags.writeable = False
    return found
