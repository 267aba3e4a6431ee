"""What must be set before NumPy and TensorFlow are loaded.

Two workers share two cores: one thread each is as fast as two, and costs less.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
for threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(threads, "1")
