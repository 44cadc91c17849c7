"""Standing orders (代扣): bills that are paid by themselves, within what their citizen allowed."""
