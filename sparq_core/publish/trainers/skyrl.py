"""SkyRL: the Parquet of verl, and an environment of ours."""

from sparq_core.publish.trainers.verl import FORMAT as VERL

FORMAT = VERL._replace(
    name="skyrl",
    use="SPARQ_REWARD={run}, data.train_data=\"['{folder}/train.parquet']\", environment.env_class=sparq, and in your entry "
    "point sparq_core.reward.skyrl.register()",
)
