"""What is checked of a GPU: each module is one part, its `check` fills a report.

`device` is the GPU; on the CPU those that can run do, with the toy models.
"""
