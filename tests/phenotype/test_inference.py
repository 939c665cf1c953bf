from __future__ import annotations

import pytest
import torch
from torch import nn

from msenas.phenotype.inference import inference


def failing(module):
    with inference(module):
        assert not module.training
        assert not module(torch.ones(1)).requires_grad
        raise ZeroDivisionError


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_comes_back_whatever_happens(training):
    module = nn.Linear(1, 1).train(training)
    with pytest.raises(ZeroDivisionError):
        failing(module)
    assert module.training is training
    assert module(torch.ones(1)).requires_grad
