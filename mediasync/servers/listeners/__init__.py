"""What servers say by themselves: newly added items become rows of ``Arrival``, once each."""
