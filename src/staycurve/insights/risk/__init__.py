"""Risk: which accounts may churn, on what evidence, and how good that judgement was."""
