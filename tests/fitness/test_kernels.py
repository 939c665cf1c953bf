from __future__ import annotations

import math

import pytest
import torch

from msenas.fitness.kernels import HammingKernel


def spikes_of(*steps: list[list[int]]) -> torch.Tensor:
    """Spikes [T, 2n, 1, 1, N] from one [n][N] table per step; the copies are silent."""
    clean = torch.tensor(steps, dtype=torch.float32)
    return torch.cat([clean, torch.zeros_like(clean)], 1)[:, :, None, None]


def kernel_of(spikes: torch.Tensor, sparsity_aware: bool) -> HammingKernel:
    kernel = HammingKernel(spikes.shape[1] // 2, sparsity_aware=sparsity_aware)
    kernel("L1.E1", spikes)
    return kernel


def test_hamming_kernel_by_hand():
    kernel = kernel_of(spikes_of([[1, 1, 0, 0], [1, 0, 0, 0]]), sparsity_aware=False)
    assert kernel.matrix.tolist() == [[4, 3], [3, 4]]
    assert kernel.log_determinant() == pytest.approx(math.log(7))


def test_sparsity_aware_kernel_by_hand():
    kernel = kernel_of(spikes_of([[1, 1, 0, 0], [1, 0, 0, 0]]), sparsity_aware=True)
    # p is 1/2 and 1/4: two independent patterns differ with probability 1/2 * 3/4 + 1/4 * 1/2 = 1/2
    other = 4 - 0.5 / (0.5 + 1e-3)
    torch.testing.assert_close(kernel.matrix, torch.tensor([[4, other], [other, 4]], dtype=torch.float64))
    assert kernel.log_determinant() == pytest.approx(math.log(16 - other**2))


@pytest.mark.parametrize("sparsity_aware", [True, False])
def test_time_steps_and_populations_add_up(sparsity_aware):
    first, second = [[1, 1, 0], [1, 0, 0], [0, 0, 1]], [[0, 1, 0], [0, 1, 1], [1, 1, 1]]
    both = kernel_of(spikes_of(first, second), sparsity_aware)
    apart = [kernel_of(spikes_of(step), sparsity_aware).matrix for step in (first, second)]
    torch.testing.assert_close(both.matrix, apart[0] + apart[1])
    both("L1.E2", spikes_of(first))
    torch.testing.assert_close(both.matrix, 2 * apart[0] + apart[1])


def test_samples_that_look_the_same_everywhere_have_no_volume():
    assert kernel_of(spikes_of([[1, 0, 1], [1, 0, 1]]), sparsity_aware=False).log_determinant() == -math.inf
