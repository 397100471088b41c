"""checks.py [CHECK]...: the checks that are named, or all."""

import faults  # noqa: F401  each module's checks are listed as it is read
import formats  # noqa: F401
import harness
import jpegs  # noqa: F401
import outputs  # noqa: F401

harness.main()
