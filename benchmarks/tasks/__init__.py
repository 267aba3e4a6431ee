"""The benchmark tasks: each fetches its data by name and gives pool, test, features and target model."""
