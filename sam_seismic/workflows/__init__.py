"""What each command does, as straight lines of steps: a configuration or paths come in, files and findings go out."""
