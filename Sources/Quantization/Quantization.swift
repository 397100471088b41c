// Quantization: see the architecture section of CONTRIBUTING.md.
