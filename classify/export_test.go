package classify

// WithoutProbe makes c walk every document, for comparison.
func (c *Classifier) WithoutProbe() *Classifier {
	c.probe.off = true
	return c
}
