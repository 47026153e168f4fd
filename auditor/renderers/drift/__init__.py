"""A delta as text: for people by templates, for tools by serialisers; what stands for reports stands for it, too."""
