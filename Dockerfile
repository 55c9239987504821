# The engine with all that its CPU examples need: docker build --tag sparq . && docker run --rm -it sparq quickstart
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 sparq
WORKDIR /opt/sparq
COPY . .
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --no-cache-dir --constraint constraints.txt '.[all,observe]'

ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1
USER 1000
WORKDIR /home/sparq
ENTRYPOINT ["sparq"]
CMD ["--help"]
