"""Save an xgboost model as an MLflow model. `python mlflow_model.py MODEL DIRECTORY`."""

from __future__ import annotations

import sys

import mlflow.xgboost
import xgboost

booster = xgboost.Booster()
booster.load_model(sys.argv[1])
mlflow.xgboost.save_model(booster, sys.argv[2], model_format="json")
