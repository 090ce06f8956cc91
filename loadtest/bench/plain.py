"""What most people write: Locust as its documentation shows it, which checks nothing but the status."""

from locust import FastHttpUser, task


class PlainUser(FastHttpUser):
    """Asks the function."""

    @task
    def convert(self) -> None:
        """Asks once."""
        self.client.get("/?fahrenheit=98.6")
