"""Package the test app as users package theirs: a setup.py beside a pinned requirements.txt."""

from setuptools import setup

setup(
    name="testapp",
    version="1.0.0",
    description="The app that depl is tried on",
    packages=["testapp"],
    package_data={"testapp": ["py.typed"]},
    python_requires=">=3.11",
    install_requires=["flask", "flask-sock", "gunicorn", "psycopg[c]", "redis", "sentry-sdk", "ujson"],
)
