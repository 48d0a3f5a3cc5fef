"""The images built and a toy run in real containers, from the rendered pod specs: `make containers`."""
