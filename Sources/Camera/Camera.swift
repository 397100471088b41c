// Camera: see the architecture section of CONTRIBUTING.md.
