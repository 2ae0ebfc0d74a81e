"""sam-seismic: fine-tune SAM (Segment Anything) on seismic sections; SEG-Y in, facies SEG-Y out."""

__version__ = "0.1.0"
