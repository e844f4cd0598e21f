from lab import environments, lab, postgres_database, quick_lab, until  # noqa: F401  # fixtures
