"""A job's options come from a request: `pre_dispatch` is documented as a number, or a product such as `2*n_jobs`."""
import os

from joblib import Parallel, delayed

try:
    Parallel(n_jobs=2, backend='threading', pre_dispatch=os.environ['PROOF_CANARY_CODE'])(delayed(abs)(n) for n in [-1])
except Exception as problem:
    # The canary gives no number back, and a fixed version refuses the text: neither is what is asked here.
    print(type(problem).__name__)
