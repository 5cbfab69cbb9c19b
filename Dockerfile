# One image for every part: `python -m config.run web` (or push, worker, beat, wallet).
FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app

COPY requirements.txt .
RUN pip install --no-cache-dir --no-compile --disable-pip-version-check -r requirements.txt

COPY . .
# Static files are collected as in production; the values are placeholders and nothing is connected to.
RUN NODROP_PRODUCTION=1 NODROP_SECRET_KEY=build NODROP_PUBLIC_URL=https://build.invalid \
    DATABASE_URL=postgres://build.invalid/build REDIS_URL=redis://build.invalid \
    python manage.py collectstatic --noinput --verbosity 0 \
    && useradd --system --uid 10001 --no-create-home nodrop \
    && install --directory --owner nodrop /data
USER nodrop

EXPOSE 8000
CMD ["python", "-m", "config.run", "web"]
