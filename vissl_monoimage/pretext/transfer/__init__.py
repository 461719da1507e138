"""Whether a pretext task is solved on images that were not trained on, measured once when a pretraining ends.

`image_sets` are the images, `measures` what is measured on them for each method, `measure` ties both to a task.
"""
