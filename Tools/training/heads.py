"""Writes what PyTorch computes for every classifier and adjustment, for other runtimes to compare with: heads.py.

Tests/Fixtures/heads.json is a list of cases, each with

    name, classifier, parameters   the classifier's name for rarebit-convert and what it is given beside the checkpoint
    tensors                        the classifier's part of a checkpoint: name to shape and row-major values
    direction                      the moving average of training features, where the case has one
    centre, means                  of nearest class mean instead of tensors
    adjustment                     logit adjustment or tau-norm on top: its numbers
    features                       feature vectors
    logits                         alpha, as text, to the logits of each feature vector

Weights and features are float32; logits are computed in float64 from them, as each paper writes them down.
"""

import json
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

OUTPUT = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "heads.json"

CLASSES, DIM = 5, 12


def main():
    torch.manual_seed(1)
    cases = []
    direction = torch.randn(DIM).abs()
    fc = nn.Linear(DIM, CLASSES)
    unbiased = nn.Linear(DIM, CLASSES, bias=False)
    weight = nn.Parameter(torch.randn(CLASSES, DIM) / 4)
    scales = nn.Parameter(torch.randn(CLASSES))
    of_fc = {"fc.weight": fc.weight, "fc.bias": fc.bias}

    cases += [
        case("linear", "linear", {}, of_fc, linear(fc.weight, fc.bias)),
        case("linear without bias", "linear", {}, {"linear.weight": unbiased.weight}, linear(unbiased.weight)),
        case("linear, TDE in 3 heads", "linear", {"heads": 3}, of_fc, linear(fc.weight, fc.bias), direction, heads=3),
        case("re-trained", "crt", {}, of_fc, linear(fc.weight, fc.bias)),
    ]
    for heads, tau, gamma in ((2, 16.0, 0.03125), (3, 8.0, 0.25)):
        parameters = {"heads": heads, "tau": tau, "gamma": gamma}
        compute = per_head(weight, heads, tau, gamma)
        cases.append(case(f"causal norm, K {heads}", "causal-norm", parameters, {"weight": weight}, compute, direction, heads))
    for heads, tau in ((1, 16.0), (4, 12.0)):
        parameters = {"heads": heads, "tau": tau}
        cases.append(case(f"cosine, K {heads}", "cosine", parameters, {"weight": weight}, per_head(weight, heads, tau, 0), direction, heads))
    cases += [
        case("capsule", "capsule", {"tau": 16.0}, {"weight": weight}, capsule(weight, 16.0), direction),
        case("capsule, TDE in 2 heads", "capsule", {"tau": 10.0, "heads": 2}, {"weight": weight}, capsule(weight, 10.0), direction, heads=2),
        case("weight scaling", "lws", {}, of_fc | {"scales": scales}, scaled(linear(fc.weight, fc.bias), scales)),
        case("weight scaling without bias", "lws", {}, {"fc.weight": unbiased.weight, "scales": scales}, scaled(linear(unbiased.weight), scales)),
        case("margin", "ldam", {"tau": 30.0}, {"linear.weight": nn.Parameter(weight.T)}, per_head(weight, 1, 30.0, 0), direction),
    ]
    for power in (0.0, 0.7, 1.0, 2.5, -0.5):
        cases.append(case(f"tau-norm, p {power}", "tau-norm", {"power": power}, of_fc, tau_norm(fc.weight, power), direction))

    cases.append(nearest_class_mean(tau=1.0))
    cases.append(nearest_class_mean(tau=4.0))

    counts = torch.tensor([900, 120, 33, 8, 1])
    prior = torch.tensor([0.1, 0.1, 0.2, 0.2, 0.4], dtype=torch.float64)
    adjustment = {"class_counts": counts.tolist(), "strength": 1.25}
    compute = shifted(linear(fc.weight, fc.bias), -1.25 * (counts / counts.sum()).double().log())
    cases.append(case("logit adjustment", "linear", {}, of_fc, compute, direction) | {"adjustment": adjustment})
    adjustment = {"class_counts": counts.tolist(), "strength": 1.0, "target_prior": prior.tolist()}
    compute = shifted(per_head(weight, 2, 16.0, 0.03125), prior.log() - (counts / counts.sum()).double().log())
    cases.append(
        case("logit adjustment to a target prior", "causal-norm", {"heads": 2}, {"weight": weight}, compute, direction, heads=2)
        | {"adjustment": adjustment}
    )
    rows = scales.double()[:, None] * fc.weight.double()
    cases.append(case("tau-norm on weight scaling", "lws", {}, of_fc | {"scales": scales}, tau_norm(rows, 0.8)) | {"adjustment": {"power": 0.8}})

    OUTPUT.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n", encoding="utf-8")


def case(name, classifier, parameters, tensors, compute, direction=None, heads=1):
    """`compute` gives (n, rows, bias): logits are n @ rows.T + bias, and TDE takes out of n its part along the direction."""
    features = torch.randn(4, DIM)
    features[3, : DIM // 2] = 0  # for K = 2, 4 and 6 a head of zeros, as a ReLU leaves one
    logits = {}
    for alpha in (0.0, 1.0, 2.5) if direction is not None else (0.0,):
        n, rows, bias = compute(features.double())
        if alpha:
            d = F.normalize(direction.double().unflatten(0, (heads, -1)), dim=1)
            split = n.unflatten(1, (heads, -1))
            n = (split - alpha * (split * d).sum(dim=2, keepdim=True) * d).flatten(1)
        logits[str(alpha)] = (n @ rows.T + bias).tolist()
    result = {
        "name": name,
        "classifier": classifier,
        "parameters": parameters,
        "tensors": {key: {"shape": list(value.shape), "values": flat(value)} for key, value in tensors.items()},
        "features": features.tolist(),
        "logits": logits,
    }
    return result | ({} if direction is None else {"direction": direction.tolist()})


def linear(weight, bias=None):
    return lambda x: (x, weight.double(), 0.0 if bias is None else bias.double())


def per_head(weight, heads, tau, gamma):
    def compute(x):
        n = F.normalize(x.unflatten(1, (heads, -1)), dim=2).flatten(1)
        w = weight.double().unflatten(1, (heads, -1))
        return n, (tau / heads * w / (w.norm(dim=2, keepdim=True) + gamma)).flatten(1), 0.0

    return compute


def capsule(weight, tau):
    return lambda x: (x / (1 + x.norm(dim=1, keepdim=True)), tau * F.normalize(weight.double(), dim=1), 0.0)


def scaled(compute, scales):
    def scale(x):
        n, rows, bias = compute(x)
        return n, scales.double()[:, None] * rows, scales.double() * bias

    return scale


def tau_norm(weight, power):
    w = weight.double()
    return lambda x: (x, w / w.norm(dim=1, keepdim=True) ** power, 0.0)


def shifted(compute, shift):
    def shift_bias(x):
        n, rows, bias = compute(x)
        return n, rows, bias + shift

    return shift_bias


def nearest_class_mean(tau):
    """Class means of centred, normalised training features; tau * (1 - the squared distance), which is n . 2m - |m|^2."""
    labels = torch.arange(60) % CLASSES
    training = torch.randn(60, DIM) + torch.randn(CLASSES, DIM)[labels] + 1
    centre = training.mean(dim=0)
    normalised = F.normalize(training - centre, dim=1)
    means = torch.stack([normalised[labels == label].mean(dim=0) for label in range(CLASSES)])
    features = torch.randn(4, DIM) + 1
    n = F.normalize(features.double() - centre.double(), dim=1)
    distances = ((n[:, None] - means.double()[None]) ** 2).sum(dim=2)
    return {
        "name": f"nearest class mean, tau {tau}",
        "classifier": "ncm",
        "parameters": {"tau": tau},
        "tensors": {},
        "centre": centre.tolist(),
        "means": means.tolist(),
        "features": features.tolist(),
        "logits": {"0.0": (tau * (1 - distances)).tolist()},
    }


def flat(tensor):
    # A float32 written as a double is exact, and comes back as the same float32.
    return tensor.detach().flatten().tolist()


if __name__ == "__main__":
    with torch.no_grad():
        main()
