from joblib import Parallel, delayed

found = Parallel(n_jobs=2, backend='threading', pre_dispatch='2*n_jobs')(delayed(abs)(n) for n in [-1, 2, -3])
assert found == [1, 2, 3], found
