"""What a training run computes with: its options, and arithmetic that gives the same bits every time."""

import os

import torch

from config import UserError


def add_options(parser):
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="processor threads")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")


def prepare(parser, arguments):
    """Refuses options that this machine cannot follow, and follows the others."""
    if arguments.threads < 1:
        parser.error("--threads must be at least 1")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: this PyTorch sees no CUDA device: leave the option out")
    torch.set_num_threads(arguments.threads)
    # What cuBLAS needs to give the same bits every time; read when CUDA starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
