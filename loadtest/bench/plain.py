"""Defines the users that most people write: as in Locust's documentation, they check only the status."""

from locust import FastHttpUser, task


class PlainUser(FastHttpUser):
    """Sends requests to the function."""

    @task
    def convert(self) -> None:
        """Sends one request."""
        self.client.get("/?fahrenheit=212")
