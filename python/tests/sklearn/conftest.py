"""Settings that must be made before SciPy is imported."""

import os

# Without it, scikit-learn leaves out its checks of inputs by the array API.
os.environ["SCIPY_ARRAY_API"] = "1"
