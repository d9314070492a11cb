"""Trains the models of benchmark/tabular.mjs, and measures them by their own libraries.

    python tabular_library.py train FOLDER
    python tabular_library.py measure FOLDER NAME ROWS SECONDS

Rows of 20 numbers lie in FOLDER/rows.f64 (1,000 of them). `measure` prints the CPU time of a call in microseconds, of this process with all its threads.
"""

import json
import os
import pickle
import sys
import time

import numpy as np

COLUMNS = 20


def data():
    random = np.random.RandomState(5)
    x = random.randn(6000, COLUMNS)
    y = ((x[:, 0] * x[:, 1] + x[:, 2] - 0.3 * x[:, 3] ** 2 + random.randn(6000) * 0.3) > 0).astype(int)
    return x, y


def xgboost(x, y):
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=100, max_depth=6, n_jobs=1).fit(x, y)


def lightgbm(x, y):
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=100, num_leaves=31, n_jobs=1, verbose=-1).fit(x, y)


def catboost(x, y):
    from catboost import CatBoostClassifier

    return CatBoostClassifier(iterations=100, depth=6, thread_count=1, verbose=False, allow_writing_files=False).fit(x, y)


def forest(x, y):
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(100, max_depth=12, random_state=1, n_jobs=1).fit(x, y)


def histogram(x, y):
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=31, early_stopping=False).fit(x, y)


def logistic(x, y):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)


TRAINED = {
    "xgboost": xgboost,
    "lightgbm": lightgbm,
    "catboost": catboost,
    "forest": forest,
    "histogram": histogram,
    "logistic": logistic,
}


def train(folder):
    x, y = data()
    os.makedirs(folder, exist_ok=True)
    x[:1000].astype("<f8").tofile(os.path.join(folder, "rows.f64"))
    for name, make in TRAINED.items():
        model = make(x, y)
        with open(os.path.join(folder, name + ".pkl"), "wb") as file:
            pickle.dump(model, file)
        if name == "xgboost":
            model.get_booster().save_model(os.path.join(folder, "xgboost.ubj"))
        if name == "lightgbm":
            model.booster_.save_model(os.path.join(folder, "lightgbm.txt"))
        if name == "catboost":
            model.save_model(os.path.join(folder, "catboost.cbm"))
    train_pmml(folder, x, y)
    train_mojo(folder, x, y)


def train_pmml(folder, x, y):
    """Needs sklearn2pmml and Java."""
    try:
        from sklearn2pmml import sklearn2pmml
        from sklearn2pmml.pipeline import PMMLPipeline
    except ImportError:
        return
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    for name, steps in (
        ("pmml_logistic", [("scale", StandardScaler()), ("model", LogisticRegression())]),
        ("pmml_boosting", [("model", GradientBoostingClassifier(n_estimators=100, max_depth=4, random_state=1))]),
    ):
        pipeline = PMMLPipeline(steps)
        pipeline.fit(x, y)
        sklearn2pmml(pipeline, os.path.join(folder, name + ".pmml"))


def train_mojo(folder, x, y):
    """Needs h2o and Java."""
    try:
        import h2o
        from h2o.estimators import H2OGradientBoostingEstimator
        import pandas
    except ImportError:
        return
    h2o.init(nthreads=1, max_mem_size="1g", bind_to_localhost=True)
    frame = pandas.DataFrame(x, columns=["c%d" % i for i in range(COLUMNS)])
    frame["y"] = np.where(y == 1, "yes", "no")
    frame = h2o.H2OFrame(frame)
    frame["y"] = frame["y"].asfactor()
    model = H2OGradientBoostingEstimator(ntrees=100, max_depth=5, seed=1)
    model.train(x=frame.columns[:-1], y="y", training_frame=frame)
    path = model.download_mojo(folder)
    os.replace(path, os.path.join(folder, "mojo.zip"))
    h2o.cluster().shutdown()


def call_of(folder, name):
    """The library's quickest public call that gives probabilities."""
    with open(os.path.join(folder, name + ".pkl"), "rb") as file:
        model = pickle.load(file)
    if name == "xgboost":
        booster = model.get_booster()
        return lambda rows: booster.inplace_predict(rows), np.float32
    if name == "lightgbm":
        booster = model.booster_
        return lambda rows: booster.predict(rows, num_threads=1), np.float64
    return lambda rows: model.predict_proba(rows), np.float64


def measure(folder, name, count, seconds):
    call, dtype = call_of(folder, name)
    rows = np.fromfile(os.path.join(folder, "rows.f64"), "<f8").reshape(-1, COLUMNS).astype(dtype)
    inputs = [np.ascontiguousarray(rows[i : i + count]) for i in range(0, len(rows), count)]
    for each in inputs[:50] * 2:
        call(each)
    calls = 0
    start = time.process_time()
    while time.process_time() - start < seconds:
        call(inputs[calls % len(inputs)])
        calls += 1
    print(json.dumps((time.process_time() - start) / calls * 1e6))


if sys.argv[1] == "train":
    train(sys.argv[2])
else:
    measure(sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
