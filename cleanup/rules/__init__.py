"""What may go, class by class: each rule turns what lies in a bundle into drafts of plan rows, and touches nothing."""
